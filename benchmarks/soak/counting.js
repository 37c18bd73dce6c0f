// Runs before anything else in every window of a soaked page, the hidden ones that peer connections come from among them:
// remembers what was made, weakly, so that a garbage collection tells what is still reachable.
(() => {
  const soak = (window.top.soak ??= new class {
    made = {};

    remember(kind, it) {
      (this.made[kind] ??= new Set()).add(new WeakRef(it));
    }

    alive(kind, counts = () => true) {
      const refs = this.made[kind] ?? new Set();
      for (const ref of refs) if (ref.deref() === undefined) refs.delete(ref);
      return [...refs].filter((ref) => counts(ref.deref())).length;
    }

    // Pyodide has a door for debuggers: a map that it tells of every PyProxy. It would hold them all; this one does not.
    watchProxies(pyodide) {
      const map = pyodide._module.pyproxy_alloc_map;
      const refs = new WeakMap();
      map.set = (proxy) => {
        const ref = new WeakRef(proxy);
        refs.set(proxy, ref);
        (this.made.PyProxy ??= new Set()).add(ref);
      };
      map.delete = (proxy) => this.made.PyProxy?.delete(refs.get(proxy));
      pyodide._module.enable_pyproxy_allocation_tracing();
    }
  }());

  for (const kind of ['RTCPeerConnection', 'WebSocket', 'Worker']) {
    window[kind] = new Proxy(window[kind], {
      construct(constructor, args, target) {
        const it = Reflect.construct(constructor, args, target === window[kind] ? constructor : target);
        soak.remember(kind, it);
        return it;
      },
    });
  }
})();
