// What a job made: shown, enlarged, saved, or taken as the beginning of something else.
import { html, useRef, useState } from '../ui.js';
import { t } from '../texts.js';
import { go } from '../routes.js';
import { Compare } from './compare.js';
import { beginningOf, modelsOf, setFromOutput } from './draft.js';

const BEGINS_WITH_PICTURE = ['img2img', 'inpaint', 'outpaint', 'super-resolution', 'video'];

/** @param {{ job: any, output: any }} props */
export function Output({ job, output }) {
  const address = `/v1/jobs/${job.id}/outputs/${output.index}`;
  const alt = job.request?.prompt || t(`kinds.${job.kind}`);
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [problem, setProblem] = useState('');
  const isPicture = output.content_type.startsWith('image/');
  /** @param {string} kind */
  const use = (kind) =>
    setFromOutput(kind, job.id, output.index).then(
      () => (go('make'), scrollTo({ top: 0 })),
      (error) => setProblem(error.message),
    );
  const before = job.kind === 'super-resolution' ? beginningOf(job) : undefined;
  return html`<figure data-output=${output.index}>
    ${
      before && isPicture
        ? html`<${Compare} before=${before} after=${address} alt=${alt} />`
        : isPicture
          ? html`<button type="button" class="picture" onclick=${() => dialog.current?.showModal()} aria-label=${t('output.enlarge')}>
            <img src=${address} alt=${alt} width=${output.width} height=${output.height} />
          </button>
          <dialog ref=${dialog} class="large" aria-label=${alt}>
            <img src=${address} alt=${alt} />
            <form method="dialog"><button>${t('output.close')}</button></form>
          </dialog>`
          : output.content_type.startsWith('video/')
            ? html`<video src=${address} width=${output.width} height=${output.height} controls loop muted autoplay playsinline
              aria-label=${alt}></video>`
            : null
    }
    <figcaption class="row">
      <span class="quiet">${output.width} × ${output.height}${output.seed === undefined ? ''
        : ` · ${t('output.seed', { seed: output.seed })}`}</span>
      <a class="button" href=${`${address}?download=true`} download>${t('output.save')}</a>
      ${
        isPicture &&
        BEGINS_WITH_PICTURE.filter((kind) => modelsOf(kind).length > 0).map(
          (kind) => html`<button type="button" onclick=${() => use(kind)}>${t('output.to', { kind: t(`kinds.${kind}`) })}</button>`,
        )
      }
    </figcaption>
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
  </figure>`;
}
