// A frame is as high as the page in it says, and as dark as the page around it.
addEventListener("message", (event) => {
  for (const frame of document.querySelectorAll(".explorer iframe"))
    if (frame.contentWindow === event.source && event.data?.kanwidgetHeight) frame.style.height = `${event.data.kanwidgetHeight}px`;
});

// What scrolls sideways can be reached with the keyboard.
addEventListener("load", () => {
  for (const part of document.querySelectorAll("pre, .table-wrapper, .output"))
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
});
