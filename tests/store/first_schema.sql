BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'ga2app','m001_runs','2026-01-01 00:00:00+00:00');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            at_s REAL NOT NULL,
            kind TEXT NOT NULL,
            step INTEGER NOT NULL,
            "values" TEXT NOT NULL
        );
INSERT INTO "events" VALUES(1,1,1001.0,'log',0,'{"text": "hello"}');
CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            owner TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'stopping', 'stopped', 'done', 'failed')),
            config TEXT NOT NULL,
            seed INTEGER NOT NULL,
            created_s REAL NOT NULL,
            queued_s REAL NOT NULL,
            started_s REAL,
            finished_s REAL,
            heartbeat_s REAL,
            pid INTEGER,
            process_started_s REAL,
            exit_code INTEGER,
            error TEXT,
            bundle TEXT,
            attempts INTEGER NOT NULL DEFAULT 0,
            resumed_step INTEGER NOT NULL DEFAULT 0
        );
INSERT INTO "runs" VALUES(1,'first','','queued','{"dataset": "demo", "seed": 7}',7,1000.0,1000.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX runs_state ON runs (state, queued_s, id);
CREATE INDEX events_run ON events (run_id, kind, id)
        ;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',1);
INSERT INTO "sqlite_sequence" VALUES('events',1);
COMMIT;
