// The server does the work; this starts it and hands it the settings.
import * as vscode from "vscode";
import { LanguageClient } from "vscode-languageclient/node";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const settings = vscode.workspace.getConfiguration("archc");
  client = new LanguageClient(
    "archc",
    "archc",
    { command: settings.get<string>("command", "archc"), args: ["lsp"] },
    {
      documentSelector: [
        { scheme: "file", language: "toml" },
        { scheme: "file", language: "json" },
      ],
      initializationOptions: {
        hints: settings.get<string>("hints", "shape"),
        advice: settings.get<boolean>("advice", true),
      },
      synchronize: {
        configurationSection: "archc",
        fileEvents: vscode.workspace.createFileSystemWatcher("**/*.{toml,json}"),
      },
    },
  );
  context.subscriptions.push(
    vscode.commands.registerCommand("archc.openPicture", async () => {
      const uri = vscode.window.activeTextEditor?.document.uri.toString();
      await vscode.commands.executeCommand("archc.picture", uri);
    }),
  );
  await client.start();
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}
