/** Completion scripts for three shells. In each, the words so far lead to a command, and the command to what may follow. */
import type { CommandEntry } from './command-reference.ts';

const HEADER = '# Made from the commands of tincan; see image-build/package/completions.ts.';

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function optionWords({ options }: CommandEntry): string[] {
  return [...options.flatMap(({ long, short }) => (short ? [short, long] : [long])), '--help'];
}

/** bash: what is completed by nothing here is completed as a file. */
export function bashCompletion(commands: readonly CommandEntry[]): string {
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => `' ${path}'`);
  const values = commands.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ long, short, choices }) => {
        const patterns = [long, ...(short ? [short] : [])].map((name) => quoted(`${path}:${name}`)).join('|');
        return `    ${patterns}) COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$current")); return ;;`;
      }),
  );
  const follows = commands.map(
    (entry) =>
      `    ${quoted(entry.path)}) options=${quoted(optionWords(entry).join(' '))} below=${quoted(entry.subcommands.join(' '))} ;;`,
  );
  return `${HEADER}
_tincan() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} at= word options below
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${at:+ $at} $word" in
    ${paths.join('|')}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at:$before" in
${values.join('\n')}
  esac
  case "$at" in
${follows.join('\n')}
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$below" -- "$current"))
  fi
}
complete -o default -F _tincan tincan
`;
}

/** zsh: with descriptions. */
export function zshCompletion(commands: readonly CommandEntry[]): string {
  const plain = (text: string) => text.replace(/[[\]\\:]/g, '\\$&');
  const summaries = new Map(commands.map(({ path, summary }) => [path, summary]));
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => `' ${path}'`);
  const cases = commands.map((entry) => {
    const below = entry.subcommands.map((name) =>
      quoted(`${name}:${plain(summaries.get(`${entry.path} ${name}`.trim()) ?? '')}`),
    );
    const options = entry.options.map(({ long, takesValue, choices, description }) => {
      const value = !takesValue ? '' : choices.length > 0 ? `:value:(${choices.join(' ')})` : ':value:_files';
      return quoted(`${long}[${plain(description)}]${value}`);
    });
    return [
      `  ${quoted(entry.path)})`,
      below.length > 0 ? `    below=(${below.join(' ')})` : '    below=()',
      `    options=(${[...options, "'--help[print help]'"].join(' ')}) ;;`,
    ].join('\n');
  });
  return `#compdef tincan
${HEADER}
_tincan() {
  local at='' word
  local -a below options
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${at:+ $at} $word" in
      ${paths.join('|')}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  if (( $#below )) && [[ \${words[CURRENT]} != -* ]]; then
    _describe command below
  else
    _arguments -S "\${options[@]}" '*:file:_files'
  fi
}
_tincan "$@"
`;
}

/** fish: with descriptions. */
export function fishCompletion(commands: readonly CommandEntry[]): string {
  const summaries = new Map(commands.map(({ path, summary }) => [path, summary]));
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quotedForFish(path));
  const lines = commands.flatMap(({ path, subcommands, options }) => {
    const here = `complete -c tincan -n ${quotedForFish(`contains -- "${path}" (__tincan_at)`)}`;
    return [
      ...subcommands.map(
        (name) => `${here} -f -a ${name} -d ${quotedForFish(summaries.get(`${path} ${name}`.trim()) ?? '')}`,
      ),
      ...options.map(({ long, short, takesValue, choices, description }) => {
        const names = `-l ${long.slice(2)}${short ? ` -s ${short.slice(1)}` : ''}`;
        const value = !takesValue
          ? ''
          : choices.length > 0
            ? ` -x -a ${quotedForFish(choices.join(' '))}`
            : ' -r';
        return `${here} ${names}${value} -d ${quotedForFish(description)}`;
      }),
      `${here} -l help -d 'print help'`,
    ];
  });
  return `${HEADER}
function __tincan_at
    set -l at
    for word in (commandline -opc)[2..]
        if contains -- (string join ' ' $at $word) ${paths.join(' ')}
            set at $at $word
        end
    end
    echo "$at"
end
${lines.join('\n')}
`;
}

function quotedForFish(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}
