/** What the layer counts for at this moment is taken off, or put on, wherever that is. */
const count = (sign: '+' | '-', id: string): string => `
        UPDATE taken SET bytes = bytes ${sign} (SELECT size_bytes FROM layers WHERE id = ${id})
        WHERE scope IN (
          SELECT 'store' FROM layer_holders WHERE layer_id = ${id}
          UNION ALL SELECT namespace_id FROM layer_holders WHERE layer_id = ${id}
          UNION ALL SELECT max(substr(lane, 1, 2)) FROM layer_holders WHERE layer_id = ${id}
        ) AND EXISTS (SELECT 1 FROM layers WHERE id = ${id});`;

const loosen = (id: string): string => `
        INSERT OR IGNORE INTO loose_layers (id) SELECT ${id}
        WHERE NOT EXISTS (SELECT 1 FROM layer_holders WHERE layer_id = ${id});`;

/** Without OR IGNORE: inside a trigger, how the statement outside resolves conflicts counts instead. */
const hold = (row: string, ids: string): string => `
        INSERT INTO layer_holders (layer_id, volume_id, namespace_id, lane)
        SELECT DISTINCT named.id, ${row}.volume_id, v.namespace_id, ${row}.lane
        FROM (${ids}) AS named JOIN volumes v ON v.id = ${row}.volume_id
        WHERE NOT EXISTS (
          SELECT 1 FROM layer_holders h
          WHERE h.layer_id = named.id AND h.volume_id = ${row}.volume_id AND h.lane = ${row}.lane
        );`;

const named = 'SELECT value AS id FROM json_each(NEW.layers)';
const pushed = `${named} UNION ALL SELECT NEW.layer_id WHERE NEW.layer_id IS NOT NULL`;

/**
 * What makes a collection cost what may go, and not what there is. That a lane holds what it comes to name is noted by triggers, whoever writes: a reference that nobody noted would lose a layer. That it holds something no
 * more is for its writer to say; said too late, it costs space. Revocations get the namespace that they count for; an empty one is every one, and nothing tells whose those were that are written down already.
 */
export const format9: string = `
      ALTER TABLE heads ADD COLUMN used_ms INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE heads ADD COLUMN lifetime TEXT NOT NULL DEFAULT 'keep-default';
      ALTER TABLE heads ADD COLUMN earlier_states INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE heads ADD COLUMN earliest_ms INTEGER;
      ALTER TABLE heads ADD COLUMN size_bytes INTEGER NOT NULL DEFAULT 0;

      UPDATE heads SET used_ms = max(updated_ms, coalesce(
        (SELECT u.used_ms FROM head_uses u WHERE u.volume_id = heads.volume_id AND u.lane = heads.lane), 0));

      UPDATE heads SET lifetime = (
        SELECT CASE
          WHEN substr(lane, 1, 3) = 't0:' THEN 'keep-run'
          WHEN substr(lane, 1, 3) = 't3:' THEN 'keep-release'
          WHEN substr(lane, 1, 3) = 't2:' OR lane = 't1:local' OR substr(lane, 1, 8) = 't1:user:' OR lane = n.default_lane
            THEN 'keep-default'
          WHEN substr(lane, 1, 6) = 't1:pr:' THEN 'keep-pr'
          WHEN n.default_lane IS NULL AND lane IN ('t1:ref:main', 't1:ref:master') THEN 'keep-default'
          ELSE 'keep-branch'
        END
        FROM volumes v JOIN namespaces n ON n.id = v.namespace_id WHERE v.id = heads.volume_id
      );

      UPDATE heads SET
        earlier_states = (SELECT count(*) FROM history y
          WHERE y.volume_id = heads.volume_id AND y.lane = heads.lane AND y.generation < heads.generation),
        earliest_ms = (SELECT min(at_ms) FROM history y
          WHERE y.volume_id = heads.volume_id AND y.lane = heads.lane AND y.generation < heads.generation),
        size_bytes = (SELECT coalesce(sum(coalesce(l.size_bytes, 1125899906842624)), 0)
          FROM (SELECT DISTINCT value AS id FROM json_each(heads.layers)) AS named LEFT JOIN layers l ON l.id = named.id);

      DROP TABLE head_uses;

      CREATE INDEX heads_by_use ON heads (substr(lane, 1, 2), lifetime, used_ms);
      CREATE INDEX heads_by_earlier_states ON heads (earlier_states);
      CREATE INDEX heads_by_earliest ON heads (earliest_ms) WHERE earliest_ms IS NOT NULL;
      CREATE INDEX heads_by_size ON heads (size_bytes);
      CREATE INDEX heads_by_run ON heads (run_id);
      CREATE INDEX history_by_time ON history (at_ms);
      CREATE INDEX history_by_run ON history (run_id);
      CREATE INDEX squashes_by_time ON squashes (at_ms);
      CREATE INDEX run_reads_by_time ON run_reads (at_ms);
      CREATE INDEX runs_by_start ON runs (started_ms) WHERE saved = 0;
      CREATE INDEX forgotten_layers_by_time ON forgotten_layers (at_ms);
      CREATE INDEX evictions_by_time ON evictions (at_ms);

      CREATE TABLE layer_holders (
        layer_id TEXT NOT NULL,
        volume_id TEXT NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
        namespace_id TEXT NOT NULL,
        lane TEXT NOT NULL,
        PRIMARY KEY (layer_id, volume_id, lane)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX layer_holders_by_lane ON layer_holders (volume_id, lane);

      CREATE TABLE taken (
        scope TEXT PRIMARY KEY,
        bytes INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX taken_by_bytes ON taken (bytes);

      CREATE TABLE loose_layers (
        id TEXT PRIMARY KEY
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE looks (
        what TEXT PRIMARY KEY,
        at_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      INSERT INTO layer_holders (layer_id, volume_id, namespace_id, lane)
      SELECT DISTINCT named.id, named.volume_id, v.namespace_id, named.lane FROM (
        SELECT each.value AS id, volume_id, lane FROM heads, json_each(heads.layers) AS each
        UNION ALL SELECT each.value, volume_id, lane FROM history, json_each(history.layers) AS each
        UNION ALL SELECT layer_id, volume_id, lane FROM history WHERE layer_id IS NOT NULL
        UNION ALL SELECT each.value, volume_id, lane FROM squashes, json_each(squashes.layers) AS each
      ) AS named JOIN volumes v ON v.id = named.volume_id;

      INSERT INTO taken (scope, bytes) VALUES ('store', 0), ('t0', 0), ('t1', 0), ('t2', 0), ('t3', 0);
      INSERT INTO taken (scope, bytes)
      SELECT scope, coalesce(sum(size_bytes), 0) FROM (
        SELECT 'store' AS scope, layer_id FROM layer_holders GROUP BY layer_id
        UNION ALL SELECT max(substr(lane, 1, 2)), layer_id FROM layer_holders GROUP BY layer_id
        UNION ALL SELECT DISTINCT namespace_id, layer_id FROM layer_holders
      ) LEFT JOIN layers ON layers.id = layer_id
      WHERE true GROUP BY scope ON CONFLICT DO UPDATE SET bytes = excluded.bytes;

      CREATE TRIGGER layer_holder_comes BEFORE INSERT ON layer_holders BEGIN${count('-', 'NEW.layer_id')}
      END;

      CREATE TRIGGER layer_holder_came AFTER INSERT ON layer_holders BEGIN
        INSERT INTO taken (scope, bytes) SELECT NEW.namespace_id, 0
        WHERE NOT EXISTS (SELECT 1 FROM taken WHERE scope = NEW.namespace_id);${count('+', 'NEW.layer_id')}
      END;

      CREATE TRIGGER layer_holder_goes BEFORE DELETE ON layer_holders BEGIN${count('-', 'OLD.layer_id')}
      END;

      CREATE TRIGGER layer_holder_went AFTER DELETE ON layer_holders BEGIN${count('+', 'OLD.layer_id')}${loosen('OLD.layer_id')}
      END;

      CREATE TRIGGER layer_came AFTER INSERT ON layers BEGIN${count('+', 'NEW.id')}${loosen('NEW.id')}
      END;

      CREATE TRIGGER layer_goes BEFORE DELETE ON layers BEGIN${count('-', 'OLD.id')}
      END;

      CREATE TRIGGER head_holds AFTER INSERT ON heads BEGIN${hold('NEW', named)}
      END;

      CREATE TRIGGER head_holds_other AFTER UPDATE OF layers ON heads BEGIN${hold('NEW', named)}
      END;

      CREATE TRIGGER history_holds AFTER INSERT ON history BEGIN${hold('NEW', pushed)}
      END;

      CREATE TRIGGER squash_holds AFTER INSERT ON squashes BEGIN${hold('NEW', named)}
      END;

      CREATE TRIGGER session_went AFTER DELETE ON sessions BEGIN
        INSERT OR IGNORE INTO loose_layers (id) SELECT pin.value FROM json_each(OLD.pins) AS pin
        WHERE NOT EXISTS (SELECT 1 FROM layer_holders WHERE layer_id = pin.value);
      END;

      CREATE TRIGGER namespace_went AFTER DELETE ON namespaces BEGIN
        DELETE FROM taken WHERE scope = OLD.id;
      END;

      CREATE TEMP TABLE revoked_before AS SELECT * FROM revoked_runs;
      DROP TABLE revoked_runs;
      CREATE TABLE revoked_runs (
        run_id TEXT NOT NULL,
        namespace_id TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        revoked_by TEXT NOT NULL,
        PRIMARY KEY (run_id, namespace_id)
      ) STRICT, WITHOUT ROWID;
      INSERT INTO revoked_runs (run_id, namespace_id, at_ms, revoked_by)
      SELECT run_id, '', at_ms, revoked_by FROM revoked_before;
      DROP TABLE revoked_before;
    `;
