// Command ministack tests the deployment: `make test-deploy`. It gives the CDK app of infra, as it is, to MiniStack, an emulator that is pinned in
// requirements.txt, and then
//
//   - looks by the emulator's APIs at what is there: tables, indexes, streams, time to live, mappings, routes, functions, the schedule;
//   - plays the transcripts over the WebSocket URL, which API Gateway, as the emulator has it, answers with the deployed programs. Those that move
//     the clock are played in real time if they do so by at most -patience; the others are named;
//   - deploys once more, and expects no change;
//   - destroys the stack, and expects that nothing is left.
//
// It needs python3 (3.10 or later, with venv), Node (20 or later, with npx) and Go; what it installs is of pinned versions. All it makes is in one
// temporary folder and in processes of its own, which end with it, however it ends. What the emulator lacks, and what is done about it, is in
// README.md.
package main
