"""What pyvidu uses of a browser and can do without (docs/browsers.md)."""

from __future__ import annotations

import json

from pyodide.code import run_js

# A browser reads the members of an options object that it knows, so a getter tells whether it knows `encodingOptions`.
_SUPPORT = run_js(
    """
    async () => {
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
    }
    """
)


async def browser_support() -> dict[str, bool]:
    """Return what this browser has, and what not."""
    support: dict[str, bool] = json.loads(await _SUPPORT())
    return support
