// Starts the page: the texts of the browser's language, who is signed in, and the shell around the views.
import { html, render } from './ui.js';
import { loadTexts } from './texts.js';
import { startSession } from './session.js';
import { Shell } from './shell.js';

await loadTexts();
render(html`<${Shell} />`, /** @type {HTMLElement} */ (document.getElementById('page')));
await startSession();
