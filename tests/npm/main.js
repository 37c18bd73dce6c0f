// The application that every bundler builds. LIBRARY is replaced by what it imports.
import { OpenVidu } from 'LIBRARY';

const openvidu = new OpenVidu();
const session = openvidu.initSession();
const fired = [];
for (const name of ['reconnecting', 'reconnected', 'sessionDisconnected', 'exception']) session.on(name, () => fired.push(name));
session.on('streamCreated', (event) => session.subscribe(event.stream, 'others'));

async function join(token) {
  await session.connect(token, { clientData: 'a page' });
  await session.publish(openvidu.initPublisher('me', { resolution: '320x240', frameRate: 15 }));
  return session.connection.connectionId;
}

window.application = { fired, join };
