#!/usr/bin/env node
// Starts the command with the Node.js that the package pins, or with this one if that will do.
'use strict';
const { spawn } = require('node:child_process');
const { existsSync } = require('node:fs');
const { constants } = require('node:os');
const { join } = require('node:path');

const MINIMUM_MAJOR = 22;

function pinnedNode() {
  try {
    const manifest = require.resolve(`node-linux-${process.arch}/package.json`);
    return join(manifest, '..', 'bin', 'node');
  } catch {
    return undefined;
  }
}

const command = join(__dirname, '..', 'dist', 'kgetplus.mjs');
const node = [pinnedNode(), process.execPath].find(
  (path) => path !== undefined && existsSync(path),
);
const major = Number(process.versions.node.split('.')[0]);

if (!existsSync(command)) {
  console.error(`kgetplus: ${command} is not there; run "npm ci" in the project's directory first`);
  process.exitCode = 1;
} else if (node === process.execPath && major < MINIMUM_MAJOR) {
  console.error(
    `kgetplus: found Node.js ${process.versions.node}, wanted ${MINIMUM_MAJOR} or newer; ` +
      'run "npm ci" without --omit=optional, which brings one',
  );
  process.exitCode = 1;
} else {
  const child = spawn(node, [command, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // Ctrl-C in a terminal reaches the child by itself, too: it takes both for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? code : 128 + constants.signals[signal];
  });
}
