import { createApp } from 'vue';

import Call from './Call.vue';

createApp(Call, { token: new URLSearchParams(location.search).get('token') }).mount('#root');
