import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

const pages = ['script', 'react', 'vue', 'angular'];

export default defineConfig({
  base: './',
  plugins: [vue()],
  build: { rollupOptions: { input: pages.map((page) => `${page}/index.html`) } },
});
