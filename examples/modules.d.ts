/** The bundler gives the text of a CSV file. */
declare module "*.csv" {
  const text: string;
  export default text;
}
