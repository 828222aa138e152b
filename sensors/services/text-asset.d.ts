/** Files of the page, which the bundler (esbuild) and the test runner give as text. */
declare module '*/page.css' {
  const text: string;
  export default text;
}
declare module '*/page-script.js' {
  const text: string;
  export default text;
}
declare module '*/page-actuators.js' {
  const text: string;
  export default text;
}
