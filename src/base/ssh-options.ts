/**
 * What we want of ssh where the user did not say otherwise: ssh takes the first value that it
 * meets, so these stand behind the user's own. A silent connection is given up after a minute.
 */
export const SSH_OPTIONS: readonly string[] = [
  '-T',
  '-oBatchMode=yes',
  '-oConnectTimeout=10',
  '-oServerAliveInterval=15',
  '-oServerAliveCountMax=4',
];
