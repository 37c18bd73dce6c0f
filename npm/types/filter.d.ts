// Filters of streams.

import type { FilterEvent } from './events.js';
import type { Stream } from './stream.js';

/**
 * A filter of the media server, or one of the page (`OpenVidu.registerFilter`). `stream.applyFilter` returns it. It stays the same
 * object, with its listeners, when a method is called, whoever calls it.
 */
export declare class Filter {
  /** One that `PublisherProperties.filter` takes. */
  constructor(type: string, options: Object);
  type: string;
  options: Object;
  /** The last method that was called. `params` is an object for everybody; for who has called openvidu-browser has a text. */
  lastExecMethod?: { method: string; params: Object };
  /** The stream that it is applied to. */
  stream?: Stream;
  /** Those of its events, by type. */
  handlers: Map<string, (event: FilterEvent) => void>;
  /** Call a method of the filter; a filter of the page has none. */
  execMethod(method: string, params: Object): Promise<void>;
  /** Call `handler` at every event of a type, in place of the one that there was. */
  addEventListener(eventType: string, handler: (event: FilterEvent) => void): Promise<void>;
  /** Call the handler of a type of events no more. */
  removeEventListener(eventType: string): Promise<void>;
}
