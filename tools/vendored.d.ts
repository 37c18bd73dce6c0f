// What the demo loads from the server, as `pyvidu vendor` lays it out there.
declare module '*/static/vendor/echarts/echarts.esm.min.mjs' {
  export * from 'echarts';
}
