// Stands in for the agent: says hello, answers pings, leaves when told. FAKE_AGENT makes it misbehave.
const mood = process.env.FAKE_AGENT;
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

if (mood === 'crash') {
  console.error('fatal: no luck today');
  process.exitCode = 9;
} else if (mood === 'mute') {
  process.stdin.resume();
} else {
  say({
    type: 'hello',
    version: mood === 'other-version' ? '0.0.1' : '1.2.3',
    nodeVersion: process.version,
    address: process.env.FAKE_ADDRESS ?? process.env.SSH_CONNECTION?.split(' ')[2] ?? null,
  });
  const input = require('node:readline').createInterface({ input: process.stdin });
  input.on('line', (line) => {
    const { type } = JSON.parse(line);
    if (type === 'ping' && mood === 'dies') {
      console.error('fatal: out of memory');
      process.exitCode = 7;
      process.stdin.destroy();
    } else if (type === 'ping') say({ type: 'pong' });
    else if (type === 'find') say({ type: 'notice', text: process.cwd() });
    else if (type === 'leave') {
      say({ type: 'left' });
      process.stdin.destroy();
    }
  });
}
