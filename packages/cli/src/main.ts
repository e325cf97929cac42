import packageJson from '../package.json' with { type: 'json' };

process.stdout.write(`cachelane ${packageJson.version}\n`);
