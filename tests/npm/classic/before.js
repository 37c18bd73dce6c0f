window.kept = {};
window.application = {};
window.names = new Set([...Reflect.ownKeys(window), 'names']);
