"""SavedModels: MetaGraphs with their variables, assets and signatures, as a folder."""
