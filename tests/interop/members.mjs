// Print the API of openvidu-browser, of pyvidu.js, or of the npm package's declarations, as JSON: what TypeScript's checker reads
// in declarations, and in the source of pyvidu.js.
//
//     node tests/interop/members.mjs official | own | declared
//
// The answer has for each exported name its `kind` (class, enum, union, type), whether it exists at `runtime`, and its `members`
// (of a union its values). A member is `hidden` if it is not for applications: private, protected, `@hidden`, or with an
// underscore before its name. `own`: it is not inherited.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { API, SignatureKind, SymbolFlags } from 'typescript/unstable/sync';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..');
/** @type {Record<string, [configuration: string, modules: string[]]>} */
const SIDES = {
  official: [join(HERE, 'tsconfig.json'), ['openvidu-browser/lib/index.d.ts']],
  own: [join(ROOT, 'tsconfig.json'), ['web/pyvidu.js', 'web/lib/']],
  declared: [join(ROOT, 'npm', 'tsconfig.json'), ['npm/types/index.d.ts']],
};

const [configuration, modules] = SIDES[process.argv[2]];
const compiler = new API();
const project = compiler.updateSnapshot({ openProjects: [configuration] }).getProject(configuration);
const { checker, program } = project;

function describe(symbol) {
  const found = symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const runtime = Boolean(found.flags & SymbolFlags.Value);
  if (found.flags & SymbolFlags.Enum) return { kind: 'enum', runtime, members: values([...found.getExports().keys()]) };
  const isType = found.flags & SymbolFlags.Type;
  const type = isType ? checker.getDeclaredTypeOfSymbol(found) : instanceOf(checker.getTypeOfSymbol(found));
  if (type.isUnionType()) {
    const literals = type.getTypes().filter((one) => one.isStringLiteralType());
    return { kind: 'union', runtime, members: values(literals.map((one) => one.value)) };
  }
  const kind = found.flags & SymbolFlags.Class ? 'class' : 'type';
  return { kind, runtime, members: Object.assign(membersOf(type, found.name), patternsOf(type)) };
}

/** Return the type of the instances of a class that is a constant; any other type as it is. */
function instanceOf(type) {
  const [constructor] = checker.getSignaturesOfType(type, SignatureKind.Construct);
  return constructor ? checker.getReturnTypeOfSignature(constructor) : type;
}

function values(names) {
  return Object.fromEntries(names.map((name) => [name, { hidden: false, own: true }]));
}

function membersOf(type, owner) {
  const members = {};
  for (const property of checker.getPropertiesOfType(type)) {
    const hidden = property.name.startsWith('_') || isHidden(property);
    members[property.name] = { hidden, own: property.getParent()?.name === owner };
    for (const inner of innerNames(property)) members[`${property.name}.${inner}`] = { hidden, own: members[property.name].own };
  }
  return members;
}

function isHidden(property) {
  if (checker.getJsDocTagsOfSymbol(property).some((tag) => tag.name === 'hidden')) return true;
  const modifiers = property.declarations.flatMap((handle) => [...(handle.resolve()?.modifiers ?? [])]);
  return modifiers.some((modifier) => ['private', 'protected'].includes(modifier.getText()));
}

/** Return the names in an object type that is written in place, such as that of `publisherSpeakingEventsOptions`. */
function innerNames(property) {
  const type = checker.getNonNullableType(checker.getTypeOfSymbol(property));
  const symbol = type?.getSymbol();
  if (!symbol || !(symbol.flags & (SymbolFlags.TypeLiteral | SymbolFlags.ObjectLiteral))) return [];
  return checker.getPropertiesOfType(type).map((inner) => inner.name);
}

/** Return the names that are a pattern, such as `signal:${string}`. */
function patternsOf(type) {
  const patterns = checker.getIndexInfosOfType(type).map((info) => checker.typeToString(info.keyType).replaceAll('`', ''));
  return values(patterns.filter((pattern) => pattern.includes('${')));
}

const exported = {};
for (const name of program.getSourceFileNames().filter((one) => modules.some((module) => one.includes(module)))) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(name));
  for (const symbol of module ? checker.getExportsOfModule(module) : []) exported[symbol.name] = describe(symbol);
}
compiler.close();
console.log(JSON.stringify(exported));
