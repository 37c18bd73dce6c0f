// An application's backend with openvidu-node-client, led by the test: each line on stdin is the body of an async function
// of `ov` (the client) and `state` (whatever the test wants to keep); each line on stdout is what became of it.
console.log = console.info = console.debug = console.error; // the client's log is no answer

const readline = require('node:readline');
const { OpenVidu } = require('openvidu-node-client');

const [url, secret] = process.argv.slice(2);
const ov = new OpenVidu(url, secret);
const state = { OpenVidu, url };
const AsyncFunction = (async () => {}).constructor;

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = { value: (await new AsyncFunction('ov', 'state', JSON.parse(line))(ov, state)) ?? null };
    } catch (error) {
      answer = { error: error.message };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
})();
