-- Run once, when the data volume is new: the schema registry keeps its ids in a database of its own.
create database full_sync_registry;
