/** The agent leaves when it has heard nothing from the coordinator for this long. */
export const SILENCE_LIMIT_MS = 60_000;
/** How often a running transfer tells its counters: they take some of the frontend's link. */
export const PROGRESS_INTERVAL_MS = 1000;
