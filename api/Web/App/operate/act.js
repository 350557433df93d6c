// One act at a time, with what became of it in words.
import { useState } from '../ui.js';

/**
 * @returns {{ busy: boolean, problem: any, act: (what: () => Promise<unknown>) => Promise<boolean> }}
 *   problem is what the API said where it refused the last act, with its errors by field, else null; act says whether it was done
 */
export function useAct() {
  const [state, setState] = useState({ busy: false, problem: /** @type {any} */ (null) });
  return {
    ...state,
    act: async (what) => {
      setState({ busy: true, problem: null });
      try {
        await what();
        setState({ busy: false, problem: null });
        return true;
      } catch (problem) {
        setState({ busy: false, problem });
        return false;
      }
    },
  };
}
