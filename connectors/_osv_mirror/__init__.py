"""Parts of `connectors/osv_mirror.py`: where the export is, how its lists and archives are read, the index, and how it is asked."""
