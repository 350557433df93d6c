// Starts the page: the texts of the browser's language, who is signed in, and the shell around the views.
import { html, render } from './ui.js';
import { loadTexts } from './texts.js';
import { startSession } from './session.js';
import { Shell } from './shell.js';
import { route } from './routes.js';
import { views } from './views.js';

// What the first view waits for is asked for at once, and not one after the other
const texts = loadTexts();
const started = startSession(texts);
(views.find(({ name }) => name === route.peek().view) ?? views[0]).load().catch(() => {});
await texts;
render(html`<${Shell} />`, /** @type {HTMLElement} */ (document.getElementById('page')));
await started;
