// What a test of the seam needs of the page beyond the host: counters of resources, and the other end of media connections.
const held = (window.held = { sockets: new Set(), workers: new Set(), peers: new Set(), contexts: new Set(), tracks: new Set() });

window.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    held.sockets.add(this);
  }
};

window.Worker = class extends Worker {
  constructor(...args) {
    super(...args);
    held.workers.add(this);
    // The worker that requests key frames is one for the whole page, and stays.
    this.addEventListener('message', ({ data }) => data?.generates !== undefined && held.workers.delete(this));
  }

  terminate() {
    held.workers.delete(this);
    super.terminate();
  }
};

const Peer = window.RTCPeerConnection; // those of hidden frames are counted by their frames
let offline = false;
window.RTCPeerConnection = class extends Peer {
  constructor(...args) {
    if (offline) throw new DOMException("Can't create RTCPeerConnections when the network is down", 'InvalidStateError');
    super(...args);
    held.peers.add(this);
  }
};
Object.defineProperty(navigator, 'onLine', { get: () => !offline });
window.setOffline = (value) => {
  offline = value;
  window.dispatchEvent(new Event(offline ? 'offline' : 'online'));
};

window.AudioContext = class extends AudioContext {
  constructor(...args) {
    super(...args);
    held.contexts.add(this);
  }
};

const devices = navigator.mediaDevices;
const getUserMedia = devices.getUserMedia.bind(devices);
devices.getUserMedia = async (constraints) => {
  const stream = await getUserMedia(constraints);
  for (const track of stream.getTracks()) held.tracks.add(track);
  return stream;
};

window.alive = () => {
  const count = (things, lives) => [...things].filter(lives).length;
  return JSON.stringify({
    sockets: count(held.sockets, (socket) => socket.readyState < WebSocket.CLOSING),
    workers: held.workers.size,
    'peer connections': count(held.peers, (peer) => peer.signalingState !== 'closed'),
    'hidden frames': document.querySelectorAll('iframe').length,
    'audio contexts': count(held.contexts, (context) => context.state !== 'closed'),
    'live tracks': count(held.tracks, (track) => track.readyState === 'live'),
    videos: document.querySelectorAll('#place video').length,
  });
};

// The other end. It sends sound and moving pictures that the page makes itself.
class Remote {
  static picture() {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 });
    const context = canvas.getContext('2d');
    let frame = 0;
    const draw = () => {
      context.fillStyle = `hsl(${frame++ * 7} 80% 50%)`;
      context.fillRect(0, 0, 320, 240);
    };
    draw();
    setInterval(draw, 40);
    const sound = new OscillatorNode((Remote.audio = new (Object.getPrototypeOf(window.AudioContext))()));
    const microphone = Remote.audio.createMediaStreamDestination();
    sound.connect(microphone);
    sound.start();
    return new MediaStream([...canvas.captureStream(25).getTracks(), ...microphone.stream.getTracks()]);
  }

  constructor() {
    this.peer = new Peer();
    this.found = [];
    this.gathered = new Promise((resolve) => {
      this.peer.onicecandidate = ({ candidate }) => (candidate ? this.found.push(candidate.toJSON()) : resolve());
    });
  }

  send() {
    const stream = (Remote.stream ??= Remote.picture());
    for (const track of stream.getTracks()) this.peer.addTrack(track, stream);
  }

  async answer(sdp) {
    await this.peer.setRemoteDescription({ type: 'offer', sdp });
    if (sdp.includes('a=recvonly')) this.send();
    const answer = await this.peer.createAnswer();
    await this.peer.setLocalDescription(answer);
    return answer.sdp;
  }

  async offer() {
    this.send();
    const offer = await this.peer.createOffer();
    await this.peer.setLocalDescription(offer);
    return offer.sdp;
  }

  accept(sdp) {
    return this.peer.setRemoteDescription({ type: 'answer', sdp });
  }

  async candidates() {
    await this.gathered;
    return JSON.stringify(this.found);
  }

  add(candidate) {
    return this.peer.addIceCandidate(JSON.parse(candidate));
  }

  async received(kind) {
    const reports = [...(await this.peer.getStats()).values()];
    return reports.find((report) => report.type === 'inbound-rtp' && report.kind === kind)?.packetsReceived ?? 0;
  }

  close() {
    this.peer.close();
  }
}
window.Remote = Remote;
window.anotherTrack = (kind) => {
  const stream = (Remote.stream ??= Remote.picture());
  return stream.getTracks().find((one) => one.kind === kind).clone();
};
