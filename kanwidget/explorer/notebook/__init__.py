"""The notebook around an explorer: the widget, the kernel and its cells. The only room that knows a host."""
