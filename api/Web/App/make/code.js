// The very request as other programs make it.
import { html, useRef, useState } from '../ui.js';
import { t } from '../texts.js';

/** @type {Record<string, (url: string, kind: string, body: object) => string>} */
const LANGUAGES = {
  curl: (url, kind, body) =>
    [
      `curl -s "${url}/v1/${kind}" \\`,
      `  -H "Authorization: Bearer $GENERATION_KEY" -H 'Content-Type: application/json' -H 'Prefer: wait=60' \\`,
      `  -d '${JSON.stringify(body).replaceAll("'", `'\\''`)}'`,
    ].join('\n'),
  'C#': (url, kind, body) =>
    [
      'using System.Net.Http.Headers;',
      'using System.Text;',
      '',
      `using var http = new HttpClient { BaseAddress = new Uri("${url}") };`,
      'string? key = Environment.GetEnvironmentVariable("GENERATION_KEY");',
      'http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);',
      'http.DefaultRequestHeaders.Add("Prefer", "wait=60");',
      `using var body = new StringContent(""""\n${JSON.stringify(body, null, 2)}\n"""", Encoding.UTF8, "application/json");`,
      `using HttpResponseMessage answer = await http.PostAsync("/v1/${kind}", body);`,
      'Console.WriteLine(await answer.Content.ReadAsStringAsync());',
    ].join('\n'),
  Python: (url, kind, body) =>
    [
      'import json, os, urllib.request',
      '',
      `body = json.loads(r"""${JSON.stringify(body).replaceAll('"""', '\\"\\"\\"')}""")`,
      `request = urllib.request.Request("${url}/v1/${kind}", json.dumps(body).encode(), {`,
      '    "Authorization": "Bearer " + os.environ["GENERATION_KEY"], "Content-Type": "application/json", "Prefer": "wait=60"})',
      'print(json.load(urllib.request.urlopen(request)))',
    ].join('\n'),
  JavaScript: (url, kind, body) =>
    [
      `const answer = await fetch("${url}/v1/${kind}", {`,
      '  method: "POST",',
      '  headers: {',
      '    Authorization: `Bearer ${process.env.GENERATION_KEY}`,',
      '    "Content-Type": "application/json",',
      '    Prefer: "wait=60",',
      '  },',
      `  body: JSON.stringify(${JSON.stringify(body, null, 2).replaceAll('\n', '\n  ')}),`,
      '});',
      'console.log(await answer.json());',
    ].join('\n'),
};

/** @param {{ kind: string, body: () => Record<string, any> }} props */
export function CopyAs({ kind, body }) {
  const [language, setLanguage] = useState('curl');
  const [copied, setCopied] = useState(false);
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [text, setText] = useState('');
  /** @param {string} chosen */
  const choose = (chosen) => {
    setLanguage(chosen);
    setCopied(false);
    setText(LANGUAGES[chosen](location.origin, kind, body()));
  };
  const copy = () => navigator.clipboard.writeText(text).then(() => setCopied(true));
  return html`<button type="button" onclick=${() => (choose(language), dialog.current?.showModal())}>${t('code.copy')}</button>
    <dialog ref=${dialog} aria-labelledby="code-title" class="code">
      <h2 id="code-title">${t('code.title')}</h2>
      <div class="row" role="group" aria-label=${t('code.language')}>
        ${Object.keys(LANGUAGES).map(
          (name) => html`<button type="button" aria-pressed=${String(name === language)} onclick=${() => choose(name)}>${name}</button>`,
        )}
      </div>
      <pre tabindex="0" aria-label=${t('code.text')}>${text}</pre>
      <p class="quiet">${t('code.key')}</p>
      <form method="dialog" class="row">
        <button type="button" class="first" onclick=${copy}>${t('code.copy_text')}</button>
        <button>${t('output.close')}</button>
        <span role="status">${copied && t('code.copied')}</span>
      </form>
    </dialog>`;
}
