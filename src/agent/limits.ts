/** A coordinator that has said nothing for this long is gone, unless it has set another limit. */
export const SILENCE_LIMIT_MS = 60_000;
/**
 * So many looks in a row must find silence, spread over the limit: after this process was held up
 * only one comes before the messages that have long arrived.
 */
export const SILENCE_LOOKS = 4;
/** How often a running transfer tells its counters: they take some of the frontend's link. */
export const PROGRESS_INTERVAL_MS = 1000;
/** A transfer tells so many times within the stall limit: the coordinator must not miss it. */
export const TELLINGS_IN_STALL = 4;
/** How often a scan tells how far it has come. */
export const SCAN_PROGRESS_INTERVAL_MS = 5000;
/** What has not stopped so long after the agent was to leave is left as it is. */
export const CLOSE_LIMIT_MS = 12_000;
