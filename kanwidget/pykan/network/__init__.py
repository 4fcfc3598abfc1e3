"""A network with pykan's methods: its versions, its training, its layers and its pictures."""
