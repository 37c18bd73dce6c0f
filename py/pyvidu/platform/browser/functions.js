// What the client does in JavaScript: where many calls into the browser would each cost a crossing, and where the browser
// wants code of its own. boot.js loads it as a module; functions.py evaluates it elsewhere.

// The tracks that were opened here: the application's own are not stopped with a publisher.
const opened = new WeakSet();

// The restart of receivers under way, by peer connection: a second one between its two negotiations would keep the SSRCs out.
const restarts = new WeakMap();

// Of each peer connection, what ends the calls of getStats that are not settled; null once its frame is removed, in which they
// would stay so for ever.
const unsettled = new WeakMap();

async function reports(peer) {
  if (!unsettled.has(peer)) unsettled.set(peer, new Set());
  const calls = unsettled.get(peer);
  if (!calls) return [];
  let end;
  const ended = new Promise((resolve) => { end = resolve; });
  calls.add(end);
  try {
    return [...(await Promise.race([peer.getStats(), ended])).values()];
  } finally {
    calls.delete(end);
  }
}

// A track of our own that shows what it is fed. A MediaStreamTrackGenerator (Chromium) works in a hidden tab too; elsewhere a
// canvas. A picture is shown again after a second without another: a recorder holds sound back until there is one.
function pictures(width, height) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const paint = canvas.getContext('2d');
  paint.fillRect(0, 0, width, height);
  if (self.MediaStreamTrackGenerator && self.MediaStreamTrackProcessor) {
    const track = new MediaStreamTrackGenerator({ kind: 'video' });
    const [writer, began] = [track.writable.getWriter(), performance.now()];
    let last = new VideoFrame(canvas, { timestamp: 0 }), reader;
    const show = (frame) => {
      const before = last;
      last = new VideoFrame(frame, { timestamp: 1000 * (performance.now() - began) });
      before.close();
      writer.write(last.clone()).catch(() => {});
    };
    // By the canvas: a copy of a frame has the time of its capture, and is dropped as old.
    const again = () => {
      if (1000 * (performance.now() - began) - last.timestamp < 9e5) return;
      Object.assign(canvas, { width: last.displayWidth, height: last.displayHeight });
      paint.drawImage(last, 0, 0);
      const frame = new VideoFrame(canvas, { timestamp: 0 });
      show(frame);
      frame.close();
    };
    const timer = setInterval(again, 1000);
    const feed = async (source) => {
      reader?.cancel().catch(() => {});
      const own = reader = source && new MediaStreamTrackProcessor({ track: source }).readable.getReader();
      while (own) {
        const { done, value } = await own.read();
        if (done) break;
        if (own === reader) show(value);
        value.close();
      }
    };
    return { track, feed, close() { clearInterval(timer); feed(); last.close(); writer.close().catch(() => {}); } };
  }
  const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true });
  let shown = 0, asked;
  const follow = () => {
    asked = video.requestVideoFrameCallback(follow);
    shown = performance.now();
    paint.drawImage(video, 0, 0, width, height);
  };
  const timer = setInterval(() => { if (performance.now() - shown > 900) paint.drawImage(canvas, 0, 0); }, 1000);
  const feed = (source) => {
    if (asked) video.cancelVideoFrameCallback(asked);
    video.srcObject = source ? new MediaStream([source]) : null;
    if (!source) return;
    video.play().catch(() => {});
    asked = video.requestVideoFrameCallback(follow);
  };
  return { track: canvas.captureStream().getVideoTracks()[0], feed, close() { clearInterval(timer); feed(); } };
}

// Likewise for the sound of streams. Chromium 156 decodes a received track only while an element plays it.
function sounds() {
  const context = new AudioContext();
  const destination = context.createMediaStreamDestination();
  const player = Object.assign(new Audio(), { muted: true });
  let source;
  const feed = (stream) => {
    source?.disconnect();
    source = stream?.getAudioTracks().length ? new MediaStreamAudioSourceNode(context, { mediaStream: stream }) : undefined;
    source?.connect(destination);
    player.srcObject = source ? stream : null;
    if (source) player.play().catch(() => {});
  };
  return { track: destination.stream.getAudioTracks()[0], feed, context, close() { feed(); context.close(); } };
}

export default {
  // What a page has begun before Python ran; pyvidu.js has its own (web/lib/early.js).
  early: { socket() {}, media() {} },

  // A MediaRecorder stops when a track of its stream is replaced, so it gets tracks that are fed with those of the streams.
  async recorder(stream, options, width, height) {
    const video = stream.getVideoTracks().length ? pictures(width || 640, height || 480) : undefined;
    const audio = stream.getAudioTracks().length ? sounds() : undefined;
    const feed = (fresh) => { audio?.feed(fresh); video?.feed(fresh?.getVideoTracks()[0]); };
    const close = () => [video, audio].forEach((relay) => { relay?.close(); relay?.track.stop(); });
    try {
      feed(stream);
      // Before the user has touched the page, Web Audio may be kept from running: then the sound is recorded as it is.
      for (let tries = 0; audio && audio.context.state !== 'running' && tries < 20; tries += 1)
        await new Promise((done) => { setTimeout(done, 50); });
      const sound = !audio || audio.context.state === 'running' ? audio?.track : stream.getAudioTracks()[0];
      const recorder = new MediaRecorder(new MediaStream([video?.track, sound].filter(Boolean)), options);
      const chunks = [];
      recorder.ondataavailable = ({ data }) => { if (data.size) chunks.push(data); };
      const stopped = new Promise((done) => { recorder.onstop = done; });
      // In pieces, which a browser may keep on disk.
      recorder.start(1000);
      return {
        feed,
        pause: () => recorder.pause(),
        resume: () => recorder.resume(),
        async stop() {
          if (recorder.state !== 'inactive') recorder.stop();
          await stopped;
          close();
          return new Blob(chunks, { type: recorder.mimeType });
        },
      };
    } catch ({ name, message }) {
      close();
      throw Object.assign(new Error(message), { name });
    }
  },

  // After a WebSocket that failed Firefox 153 delays the next ones to the same path, by 0.3 s and then half as much more each
  // time, for a minute: after some link drops none opened before the eviction. A refused `fetch` delays nothing, so it is first.
  webSockets() {
    class AskingFirst extends EventTarget {
      constructor(url) {
        super();
        this.asking = new AbortController();
        const options = { mode: 'no-cors', cache: 'no-store', signal: this.asking.signal };
        fetch(url.replace('ws', 'http').split('?')[0], options).then(() => this.open(url)).catch(() => {
          this.asking = null;
          this.dispatchEvent(new CloseEvent('close', { code: 1006 }));
        });
      }
      get readyState() { return this.socket ? this.socket.readyState : this.asking ? 0 : 3; }
      open(url) {
        if (!this.asking) return;
        this.socket = new WebSocket(url);
        for (const type of ['open', 'message', 'close'])
          this.socket.addEventListener(type, (event) => this.dispatchEvent(new event.constructor(type, event)));
      }
      send(text) { this.socket.send(text); }
      close(...why) {
        if (this.socket) return this.socket.close(...why);
        this.asking?.abort();
        this.asking = null;
      }
    }
    let Kind = WebSocket;
    return (url) => {
      const socket = this.early.socket(url) ?? new Kind(url);
      if (navigator.userAgent.includes('Firefox/')) Kind = AskingFirst;
      return socket;
    };
  },

  deadline(ms) {
    if (AbortSignal.timeout) return AbortSignal.timeout(ms);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), ms);
    return controller.signal;
  },

  // What is thrown has no `stack` if a device is unknown (OverconstrainedError), and Pyodide 314 then never ends the `await`.
  async askForMedia(method, constraints) {
    try {
      const stream = await (this.early.media(method, constraints) ?? navigator.mediaDevices[method](constraints));
      for (const track of stream.getTracks()) opened.add(track);
      return stream;
    } catch ({ name, message, constraint }) {
      throw Object.assign(new Error(message), { name, constraint });
    }
  },

  release(track) {
    if (opened.has(track)) track.stop();
  },

  // Has a `resize` event whenever the video of a stream may have another size. A screen has no event of its own for it, and the
  // frames of a camera follow `orientationchange` within 0.75 s. Both times are openvidu-browser's.
  resizing(stream, screen) {
    const size = () => {
      const { width, height } = stream.getVideoTracks()[0]?.getSettings() ?? {};
      return `${width}x${height}`;
    };
    let timer, before;
    const look = () => {
      if (size() === before) return;
      before = size();
      target.dispatchEvent(new Event('resize'));
    };
    const turned = () => {
      clearInterval(timer);
      let left = 10;
      timer = setInterval(() => { look(); if (!--left) clearInterval(timer); }, 75);
    };
    const target = new EventTarget();
    const { addEventListener, removeEventListener } = target;
    return Object.assign(target, {
      addEventListener(...listener) {
        before = size();
        if (screen) timer = setInterval(look, 650);
        else window.addEventListener('orientationchange', turned);
        addEventListener.apply(target, listener);
      },
      removeEventListener(...listener) {
        clearInterval(timer);
        window.removeEventListener('orientationchange', turned);
        removeEventListener.apply(target, listener);
      },
    });
  },

  // Simulcast as openvidu-browser's for mediasoup: one to three encodings, by the size of the video.
  sendTracks(peer, stream, simulcast, direction) {
    for (const track of stream.getTracks()) {
      const detailed = ['detail', 'text'].includes(track.contentHint);
      const options = { direction, streams: [stream] };
      if (track.kind === 'video' && simulcast) {
        const { width = 0, height = 0 } = track.getSettings();
        const layers = width * height >= 960 * 540 ? 3 : width * height >= 480 * 270 ? 2 : 1;
        options.sendEncodings = Array.from({ length: layers }, (_, layer) => {
          const div = 2 ** (layers - layer - 1);
          const encoding = { rid: `rdiv${div}`, scalabilityMode: 'L1T1', scaleResolutionDownBy: detailed ? 1 : div };
          return detailed ? { ...encoding, maxFramerate: Math.floor(30 / div) } : encoding;
        });
      }
      const { sender } = peer.addTransceiver(track, options);
      if (track.kind !== 'video') continue;
      const parameters = sender.getParameters();
      parameters.degradationPreference ||= detailed ? 'maintain-resolution' : 'balanced';
      sender.setParameters(parameters).catch(() => {});
    }
  },

  async statistics(peer) {
    const sums = { packets: 0, lost: 0, bytes: 0, jitter: 0, time: performance.now() / 1000 };
    for (const report of await reports(peer)) {
      const own = report.type === 'inbound-rtp' || report.type === 'outbound-rtp';
      if (own) {
        sums.packets += report.packetsReceived ?? report.packetsSent ?? 0;
        sums.bytes += report.bytesReceived ?? report.bytesSent ?? 0;
        sums.frame_rate ??= report.framesPerSecond;
      }
      if (own || report.type === 'remote-inbound-rtp') {
        sums.lost += Math.max(0, report.packetsLost ?? 0);
        sums.jitter = Math.max(sums.jitter, report.jitter ?? 0);
      }
      if (report.frameWidth && !sums.width) Object.assign(sums, { width: report.frameWidth, height: report.frameHeight });
      sums.round_trip = report.roundTripTime ?? sums.round_trip ?? (report.nominated ? report.currentRoundTripTime : undefined);
    }
    return JSON.stringify(sums);
  },

  // One audio context per meter, closed with it. The lowest four bins (below 375 Hz) are hum; silence has no finite level.
  meter(stream) {
    if (!stream.getAudioTracks().length) return undefined;
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 512, smoothingTimeConstant: 0.1 });
    const source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
    source.connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    return {
      decibels: () => {
        if (context.state === 'suspended') context.resume().catch(() => {});
        analyser.getFloatFrequencyData(bins);
        return Math.max(-200, ...bins.subarray(4).filter((level) => level < 0));
      },
      close: () => { source.disconnect(); context.close(); },
    };
  },

  // A browser reads the members of an options object that it knows, so a getter tells whether it knows `encodingOptions`.
  async support() {
    const works = (promise) => promise.then((answer) => answer, () => false);
    const peer = new RTCPeerConnection();
    const keyFrame = works((async () => {
      let known = false;
      const { sender } = peer.addTransceiver('video');
      await peer.setLocalDescription();
      const options = { get encodingOptions() { known = true; return []; } };
      await works(sender.setParameters(sender.getParameters(), options));
      return known;
    })());
    const transportStatistics = works(keyFrame.then(async () =>
      [...(await peer.getStats()).values()].some(({ type, packetsReceived }) =>
        type === 'transport' && packetsReceived !== undefined)));
    const url = URL.createObjectURL(new Blob(['postMessage(0)'], { type: 'text/javascript' }));
    const blobWorkers = works(new Promise((resolve) => {
      const worker = new Worker(url);
      worker.onmessage = () => { worker.terminate(); resolve(true); };
      worker.onerror = () => resolve(false);
    }));
    const found = {
      RTCRtpScriptTransform: !!self.RTCRtpScriptTransform,
      keyFrame: await keyFrame,
      NetworkInformation: !!navigator.connection,
      getSynchronizationSources: !!RTCRtpReceiver.prototype.getSynchronizationSources,
      transportStatistics: await transportStatistics,
      blobWorkers: await blobWorkers,
      'AbortSignal.timeout': !!AbortSignal.timeout,
    };
    peer.close();
    URL.revokeObjectURL(url);
    return JSON.stringify(found);
  },

  // One call into JavaScript instead of one for every field of every report.
  // `bytes` of the candidate pairs stand in for `transport.packetsReceived`, which Firefox lacks: any packet but STUN counts.
  async sample(peer) {
    const sums = {}, addresses = {}, answered = [];
    const add = (name, value) => { sums[name] = (sums[name] ?? 0) + (value ?? 0); };
    for (const report of await reports(peer)) {
      switch (report.type) {
        case 'transport': add('received_packets', report.packetsReceived); break;
        case 'candidate-pair':
          add('stun_requests', report.requestsSent);
          add('stun_responses', report.responsesReceived);
          add('bytes', report.bytesReceived);
          if (report.responsesReceived > 0) answered.push(report.remoteCandidateId);
          break;
        case 'remote-candidate': addresses[report.id] = report.address; break;
        case 'remote-inbound-rtp': add('remote_reports', report.roundTripTimeMeasurements); break;
        case 'inbound-rtp':
          add(`inbound_${report.kind}_packets`, report.packetsReceived);
          if (report.kind === 'video') add('frames_decoded', report.framesDecoded);
      }
    }
    if (sums.received_packets) delete sums.bytes;
    sums.ip_families = new Set(answered.map((id) => !!addresses[id]?.includes(':'))).size;
    return JSON.stringify(sums);
  },

  // The round trip is that of the video: Chromium and Firefox send what it is measured by every second for a video, paused or
  // not, and every five seconds for sound. Of several encodings, the quickest: that of one that is not sent may be an old one.
  async uplinkSample(peer) {
    const found = {}, trips = [];
    for (const report of await reports(peer)) {
      const { type, kind } = report;
      if (type === 'candidate-pair') found.estimate ??= report.availableOutgoingBitrate;
      if (type === 'outbound-rtp' && kind === 'audio') found.audio_sent = report.packetsSent;
      if (type === 'outbound-rtp' && kind === 'video') found.video_bytes = (found.video_bytes ?? 0) + report.bytesSent;
      if (type !== 'remote-inbound-rtp') continue;
      if (kind === 'video') trips.push(report.roundTripTime ?? Infinity);
      else Object.assign(found,
        { reports: report.roundTripTimeMeasurements, reported_at: report.timestamp / 1000, audio_lost: report.packetsLost });
    }
    const quickest = Math.min(...trips);
    return JSON.stringify({ ...found, round_trip: quickest < Infinity ? quickest : null });
  },

  async reportedAt(peer) {
    let latest = 0;
    for (const { type, timestamp } of await reports(peer))
      if (type === 'remote-inbound-rtp') latest = Math.max(latest, timestamp);
    return latest;
  },

  // From the first pause on Chromium may make the packets of sound longer (up to 120 ms) where the path carries little, and 20 ms
  // long again where it carries more: of fifty a second the headers take more than the sound. Firefox ignores that.
  async sendVideo(peer, active) {
    for (const { sender, receiver } of peer.getTransceivers()) {
      const parameters = sender.getParameters();
      for (const encoding of parameters.encodings) {
        if (receiver.track.kind === 'video') encoding.active = active;
        else encoding.adaptivePtime = true;
      }
      await sender.setParameters(parameters);
    }
  },

  // Synchronous and cheap (0.02 ms a connection): the time of the packet played out last.
  marker(peer) {
    let latest = 0;
    for (const receiver of peer.getReceivers()) {
      for (const source of receiver.getSynchronizationSources?.() ?? []) latest = Math.max(latest, source.timestamp);
    }
    return latest;
  },

  soundPlayed(peer) {
    for (const receiver of peer.getReceivers()) {
      const [source] = receiver.track.kind === 'audio' ? (receiver.getSynchronizationSources?.() ?? []) : [];
      const [codec] = source ? receiver.getParameters().codecs : [];
      if (codec) return JSON.stringify([source.timestamp / 1000, source.rtpTimestamp, codec.clockRate]);
    }
    return '';
  },

  // A receive stream is recreated, with empty jitter buffer and no clock estimate, when its SSRC was not signaled for a moment.
  // (`inactive` in between would only empty the audio buffer.) Only where we made the offer: the answer is set again.
  // If the answer names no SSRCs, this changes nothing.
  restartReceivers(peer) {
    const restart = async () => {
      const { sdp: answer, type } = peer.remoteDescription;
      if (type !== 'answer' || peer.signalingState !== 'stable') return;
      for (const sdp of [answer.replace(/^a=ssrc.*\r?\n/gm, ''), answer]) {
        await peer.setLocalDescription();
        await peer.setRemoteDescription({ type, sdp });
      }
    };
    if (!restarts.has(peer)) restarts.set(peer, restart().finally(() => restarts.delete(peer)));
    return restarts.get(peer);
  },

  // Chromium 156 reports new addresses to a window 1.5 s late, but to a newly created window at once (measured: first candidate
  // after 20 ms instead of 1,500). A peer connection of a hidden frame works with the page's tracks and elements.
  hiddenFrame() {
    const frame = document.createElement('iframe');
    frame.hidden = true;
    document.body.append(frame);
    return frame;
  },

  removeFrame(frame, peer) {
    frame.remove();
    for (const end of unsettled.get(peer) ?? []) end(new Map());
    unsettled.set(peer, null);
  },

  // Returns two functions that request a key frame, `ask` of what a peer connection receives, `send` of what it sends, where
  // needed by a worker that runs `code`.
  keyFrameRequests(code) {
    const ports = new WeakMap();
    let worker, running;
    const started = async () => {
      // Frames handed to a worker that a Content-Security-Policy kept from starting would go nowhere: first see it run.
      running ??= new Promise((resolve) => {
        worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
        worker.onmessage = ({ data }) => resolve(data);
      });
      return running;
    };
    const request = (end, what) => {
      let port = ports.get(end);
      if (!port) {
        const channel = new MessageChannel();
        end.transform = new RTCRtpScriptTransform(worker, { port: channel.port2 }, [channel.port2]);
        ports.set(end, (port = channel.port1));
      }
      port.postMessage(what);
    };
    return {
      async ask(peer) {
        if (!self.RTCRtpScriptTransform) return;
        await started();
        if (peer.signalingState === 'closed') return;
        for (const receiver of peer.getReceivers()) {
          if (receiver.track.kind === 'video') request(receiver, 'sendKeyFrameRequest');
        }
      },

      async send(peer) {
        const senders = peer.getSenders().filter(({ track }) => track?.kind === 'video');
        // A browser reads the members of an options object that it knows.
        let known = senders.length === 0;
        for (const sender of senders) {
          const parameters = sender.getParameters();
          const encodingOptions = parameters.encodings.map(() => ({ keyFrame: true }));
          const options = { get encodingOptions() { known = true; return encodingOptions; } };
          sender.setParameters(parameters, options).catch(() => {});
        }
        if (known || peer.signalingState === 'closed' || !self.RTCRtpScriptTransform) return;
        const { generates } = await started();
        if (!generates || peer.signalingState === 'closed') return;
        for (const sender of senders) request(sender, 'generateKeyFrame');
      },
    };
  },
};
