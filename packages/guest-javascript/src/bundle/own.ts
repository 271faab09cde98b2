/** Where modules that Capsule makes itself come from; stacks and source maps name them by it, so it hides them. */
export const OWN = "capsule";
/** The SDK's name among a bundle's inputs. */
export const SDK_INPUT = `${OWN}:sdk`;
