/** Where our own files lie in a guest: docs/recipes.md. */
export const GUEST_DIRECTORY = '/usr/lib/kgetplus';
export const GUEST_BUSYBOX = `${GUEST_DIRECTORY}/busybox`;
export const GUEST_JOB_RUNNER = `${GUEST_DIRECTORY}/job-runner`;
export const GUEST_AGENT = `${GUEST_DIRECTORY}/guest-agent`;
/** Ends all processes, and powers off: for guests whose init does not do so at an ACPI event. */
export const GUEST_POWER_OFF = `${GUEST_DIRECTORY}/power-off`;
/** Starts ours, then the guest's own init, which it becomes. */
export const GUEST_START = `${GUEST_DIRECTORY}/start`;
/** What the image was made from. */
export const GUEST_RECIPE = `${GUEST_DIRECTORY}/recipe.yaml`;
