import { OpenVidu } from 'openvidu-browser';
import { useEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';

function Video({ manager }) {
  const element = useRef(null);
  useEffect(() => {
    manager.addVideoElement(element.current);
  }, [manager]);
  return <video ref={element} autoPlay playsInline muted={!manager.remote} />;
}

function Call({ token }) {
  const [banner, setBanner] = useState('');
  const [publisher, setPublisher] = useState(null);
  const [subscribers, setSubscribers] = useState([]);

  useEffect(() => {
    const openvidu = new OpenVidu();
    const session = openvidu.initSession();
    session.on('streamCreated', ({ stream }) => {
      const subscriber = session.subscribe(stream, undefined);
      setSubscribers((others) => [...others, subscriber]);
    });
    session.on('streamDestroyed', ({ stream }) => setSubscribers((others) => others.filter((other) => other.stream !== stream)));
    session.on('reconnecting', () => setBanner('Reconnecting…'));
    session.on('reconnected', () => setBanner(''));
    session.on('sessionDisconnected', ({ reason }) => setBanner(`Disconnected: ${reason}`));
    join().catch((error) => setBanner(error.message));
    return () => session.disconnect();

    async function join() {
      await session.connect(token, { clientData: 'React' });
      const mine = openvidu.initPublisher(undefined, { resolution: '320x240' });
      await session.publish(mine);
      setPublisher(mine);
    }
  }, [token]);

  return (
    <>
      <p role="status">{banner}</p>
      <div id="me">{publisher && <Video manager={publisher} />}</div>
      <div id="others">{subscribers.map((subscriber) => <Video key={subscriber.stream.streamId} manager={subscriber} />)}</div>
    </>
  );
}

createRoot(document.getElementById('root')).render(<Call token={new URLSearchParams(location.search).get('token')} />);
