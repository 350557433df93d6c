// Holds the libraries in this folder against the packages that the registry has (npm's, as it is configured): each package's bytes against the
// integrity that is published for it, each file here against the package's and against checksums.txt. For whoever changes versions.json:
//   node api/Web/App/vendor/check.mjs --write    copies the files out of the packages, and writes the checksums
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const writes = process.argv.includes('--write');
const packages = JSON.parse(readFileSync(join(here, 'versions.json'), 'utf8'));
const temporary = mkdtempSync(join(tmpdir(), 'vendor-'));
const lines = [];
const faults = [];
const hash = (algorithm, bytes, form) => createHash(algorithm).update(bytes).digest(form);
try {
  for (const [folder, { package: name, version, files }] of Object.entries(packages)) {
    const integrity = execFileSync('npm', ['view', `${name}@${version}`, 'dist.integrity'], { encoding: 'utf8' }).trim();
    const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', `${name}@${version}`, '--json'], { cwd: temporary, encoding: 'utf8' }));
    const packed = join(temporary, filename);
    if (`sha512-${hash('sha512', readFileSync(packed), 'base64')}` !== integrity) {
      throw new Error(`${name} ${version}: the package is not the one whose integrity is published`);
    }

    for (const [file, inside] of Object.entries(files)) {
      const published = execFileSync('tar', ['-xzOf', packed, `package/${inside}`], { maxBuffer: 1 << 26 });
      if (writes) {
        mkdirSync(join(here, folder), { recursive: true });
        writeFileSync(join(here, folder, file), published);
      } else if (!published.equals(readFileSync(join(here, folder, file)))) {
        faults.push(`${folder}/${file} is not as ${name} ${version} has it`);
      }

      lines.push(`${hash('sha256', published, 'hex')}  ${folder}/${file}`);
    }
  }
} finally {
  rmSync(temporary, { recursive: true });
}

const checksums = join(here, 'checksums.txt');
if (writes) {
  writeFileSync(checksums, lines.join('\n') + '\n');
} else if (readFileSync(checksums, 'utf8').trim() !== lines.join('\n')) {
  faults.push('checksums.txt is not of these versions');
}

faults.forEach((fault) => console.error(fault));
process.exitCode = faults.length > 0 ? 1 : 0;
