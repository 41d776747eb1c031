extension Reports {
    /// The page: a button that asks for a report, and a bar that follows its steps.
    static let page = """
        <!doctype html>
        <html lang="en">
        <head><meta charset="utf-8"><title>Reports</title></head>
        <body>
        <h1>Reports</h1>
        <button>Build a report</button>
        <progress value="0" max="1"></progress>
        <output></output>
        <script>
        const [button, bar, output] = ["button", "progress", "output"].map(name => document.querySelector(name));
        button.onclick = async () => {
          button.disabled = true;
          output.textContent = "";
          const { id } = await (await fetch("/reports", { method: "POST" })).json();
          const events = new EventSource(`/reports/${id}/events`);
          const end = text => {
            events.close();
            output.textContent = text;
            button.disabled = false;
          };
          events.addEventListener("waiting", () => bar.removeAttribute("value"));
          events.addEventListener("progress", event => {
            const { done, total } = JSON.parse(event.data);
            bar.max = total;
            bar.value = done;
          });
          events.addEventListener("done", event => {
            bar.value = bar.max;
            end(`${event.data} is ready`);
          });
          events.addEventListener("failed", event => {
            bar.value = 0;
            end(`The report has failed: ${event.data}`);
          });
        };
        </script>
        </body>
        </html>
        """
}
