"""Networks of tables, as `kanwidget fit` trains them: their shape, their training, and a recorder of it."""
