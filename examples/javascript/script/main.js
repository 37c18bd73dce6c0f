import { OpenVidu } from 'openvidu-browser';

const banner = document.getElementById('banner');
const openvidu = new OpenVidu();
const session = openvidu.initSession();

session.on('streamCreated', (event) => session.subscribe(event.stream, 'others'));
session.on('reconnecting', () => (banner.textContent = 'Reconnecting…'));
session.on('reconnected', () => (banner.textContent = ''));
session.on('sessionDisconnected', (event) => (banner.textContent = `Disconnected: ${event.reason}`));

const token = new URLSearchParams(location.search).get('token'); // your backend gets it from the server's REST API
await session.connect(token, { clientData: 'Plain script' });
await session.publish(openvidu.initPublisher('me', { resolution: '320x240' }));
