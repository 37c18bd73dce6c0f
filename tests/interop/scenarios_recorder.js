// Recording in the browser.

/** Return a function that returns the blobs that are sent, and what answers them with a status. */
const uploads = (answer) => {
  const sent = [];
  const { send: sendForm } = XMLHttpRequest.prototype;
  const { fetch } = window;
  const described = async (body) => (body instanceof FormData
    ? [...body].map(([name, file]) => [name, file.name.replace(/^.*_local/, 'local'), file.size > 1000])
    : [body.type.split(';')[0], body.size > 1000]);
  XMLHttpRequest.prototype.send = function noted(body) {
    described(body).then((told) => sent.push(told));
    Object.defineProperties(this, { readyState: { value: 4 }, status: { value: answer.status }, responseText: { value: answer.text } });
    this.onreadystatechange();
  };
  window.fetch = async (url, options) => {
    if (!String(url).startsWith('/upload')) return fetch(url, options);
    sent.push(await described(options.body));
    if (!answer.status) throw new TypeError('no network');
    return new Response(answer.text, answer);
  };
  return { sent, restore: () => { XMLHttpRequest.prototype.send = sendForm; window.fetch = fetch; } };
};
const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
const fails = async (call) => {
  try {
    await call();
    return 'not at all';
  } catch (error) {
    return typeof error === 'number' ? error : error instanceof Error;
  }
};

scenarios.recording = async ({ openvidu, tokens, tell }) => {
  const { one, two, publisher, subscriber } = await callOfTwo(openvidu, tokens);
  await next(subscriber, 'streamPlaying');
  for (const [OV, { stream }] of [[one, publisher], [two, subscriber]]) {
    const recorder = OV.initLocalRecorder(stream);
    tell(recorder.constructor.name, recorder.state);
    for (const name of ['stop', 'pause', 'resume', 'preview', 'download', 'getBlob', 'uploadAsBinary', 'uploadAsMultipartfile']) {
      tell(name, await fails(async () => recorder[name]('videos')), recorder.state);
    }
    tell('a type that there is not', await fails(() => recorder.record({ mimeType: 'none/such' })), recorder.state);
    const began = recorder.record({ mimeType: 'video/webm;codecs=vp8', videoBitsPerSecond: 300000 });
    tell(recorder.state, await began);
    tell('twice', await fails(() => recorder.record()), recorder.state);
    await pause(1200);
    tell(await recorder.pause(), recorder.state, await fails(() => recorder.pause()));
    tell(await recorder.resume(), recorder.state, await fails(() => recorder.resume()));
    await pause(300);
    tell(await recorder.stop(), recorder.state, await fails(() => recorder.stop()));
    const blob = recorder.getBlob();
    tell(blob instanceof Blob, blob.type.split(';')[0], blob.size > 1000);

    const video = recorder.preview('videos');
    await next({ once: (name, handler) => video.addEventListener(name, handler, { once: true }) }, 'loadeddata');
    tell(video.parentElement.id, video.id.endsWith('_localrecord'), video.autoplay, video.videoWidth > 0);
    tell(recorder.preview(document.body).parentElement === document.body);
    const clicked = new Promise((done) => {
      document.addEventListener('click', (event) => {
        event.preventDefault();
        done([event.target.download === `${video.id}.webm`, event.target.href.startsWith('blob:')]);
      }, { once: true });
    });
    recorder.download();
    tell(await clicked);

    const answer = { status: 201, text: 'thanks' };
    const { sent, restore } = uploads(answer);
    try {
      tell(await recorder.uploadAsBinary('/upload', { 'X-Secret': '1' }), await recorder.uploadAsMultipartfile('/upload'));
      for (const status of [507, 0]) {
        Object.assign(answer, { status });
        tell(await fails(() => recorder.uploadAsBinary('/upload')), await fails(() => recorder.uploadAsMultipartfile('/upload')));
      }
      tell(sent);
    } finally {
      restore();
    }
    recorder.clean();
    tell(recorder.state, await fails(async () => recorder.getBlob()));
    await recorder.record();
    recorder.clean();
    await until(() => recorder.state === 'READY');
    document.querySelectorAll('video[id$=_localrecord]').forEach((preview) => preview.remove());
  }
};

/** A recording during which the track of a publisher and the RTCPeerConnection of a subscriber are replaced. */
scenarios.replaced = async ({ openvidu, tokens, tell }) => {
  const { one, two, session, publisher, subscriber } = await callOfTwo(openvidu, tokens);
  await next(subscriber, 'streamPlaying');
  const recorders = [one.initLocalRecorder(publisher.stream), two.initLocalRecorder(subscriber.stream)];
  for (const recorder of recorders) await recorder.record();
  await pause(1500);
  const stream = await one.getUserMedia({ audioSource: false, resolution: '160x120' });
  await publisher.replaceTrack(stream.getVideoTracks()[0]);
  await subscriber.stream.reconnect();
  await pause(2500);
  const states = recorders.map(({ state }) => state);
  for (const recorder of recorders) if (recorder.state === 'RECORDING') await recorder.stop();
  const bytes = async (recorder) => [...new Uint8Array(await recorder.getBlob().arrayBuffer())];
  tell(states, await Promise.all(recorders.map(bytes)));
  await recorders[1].clean();
  await recorders[1].record();
  await pause(1500);
  await session.unpublish(publisher);
  await until(() => recorders[1].state === 'FINISHED'); // the stream has ended
  tell(recorders[1].getBlob().size > 0);
};
