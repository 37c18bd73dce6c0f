// What openvidu-browser does not have.

import { type OpenViduError, type Outage, type Progress, OpenVidu, boot, configure, ready } from 'pyvidu';

configure({ assets: new URL('https://cdn.example/pyvidu/') });
void boot({ onProgress: ({ step, steps, text, loaded, total, cached }: Progress) => console.log(step / steps, text, loaded / total, cached) });
void ready.catch((error: OpenViduError) => console.error(error.name, error.message, error.code ?? 0, error instanceof Error));

const openvidu = new OpenVidu();
openvidu.setAdvancedConfiguration({ rejoin: async () => 'wss://token', roster: null });
void openvidu.browserSupport().then((found: Record<string, boolean>) => console.log(found['blobWorkers']));

openvidu.registerFilter('as it is', (track: MediaStreamTrack) => track);
openvidu.registerFilter('hidden', async (track, { level }: { level?: number }) => (level ? track : track.clone()), { announce: false });

const session = openvidu.initSession();
session.on('reconnectionAttempt', (event) => console.log(event.attempt + 1));
session.on('rejoined', () => {});
session.on('outageSettled', ({ outage }) => console.log(outage['streams']));
session.on('streamFrozen', ({ stream }) => console.log(stream.streamId));
session.on('streamRecovered', ({ stream }) => console.log(stream.streamId));
openvidu.initPublisher('me', { audioSource: null, videoSource: null }).on('screenShareEnded', () => {});
void session.signal({ data: { text: 'any JSON' } });
session.reconnectNow();
session.stopReconnecting();
const outages: Outage[] = session.outages;
console.log(outages.length, session.sessionConnected());
