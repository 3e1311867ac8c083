declare const KGETPLUS_VERSION: string | undefined;

/** The package's version, put in by the bundler; coordinator and agent must have the same. */
export const VERSION: string =
  typeof KGETPLUS_VERSION === 'undefined' ? 'development' : KGETPLUS_VERSION;
