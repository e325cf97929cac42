/** Adds the layer's bytes to, or subtracts them from, the sums of all scopes that hold it now. */
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

/** Without OR IGNORE: in a trigger, the conflict clause of the outer statement overrides it. */
const hold = (ids: string): string => `
  INSERT INTO layer_holders (layer_id, volume_id, namespace_id, lane)
  SELECT DISTINCT named.id, NEW.volume_id, v.namespace_id, NEW.lane
  FROM (${ids}) AS named JOIN volumes v ON v.id = NEW.volume_id
  WHERE NOT EXISTS (
    SELECT 1 FROM layer_holders h
    WHERE h.layer_id = named.id AND h.volume_id = NEW.volume_id AND h.lane = NEW.lane
  );`;

const named = 'SELECT value AS id FROM json_each(NEW.layers)';
const pushed = `${named} UNION ALL SELECT NEW.layer_id WHERE NEW.layer_id IS NOT NULL`;

/**
 * Triggers keep `layer_holders`, `taken` and `loose_layers`, so that a collection reads only what may go. They add every
 * reference that a writer makes: a missing one would lose a layer. Writers remove references; a late removal costs space.
 */
export const triggers: string = `
CREATE TRIGGER before_holder_insert BEFORE INSERT ON layer_holders BEGIN${count('-', 'NEW.layer_id')}
END;

CREATE TRIGGER after_holder_insert AFTER INSERT ON layer_holders BEGIN
  INSERT INTO taken (scope, bytes) SELECT NEW.namespace_id, 0
  WHERE NOT EXISTS (SELECT 1 FROM taken WHERE scope = NEW.namespace_id);${count('+', 'NEW.layer_id')}
END;

CREATE TRIGGER before_holder_delete BEFORE DELETE ON layer_holders BEGIN${count('-', 'OLD.layer_id')}
END;

CREATE TRIGGER after_holder_delete AFTER DELETE ON layer_holders BEGIN${count('+', 'OLD.layer_id')}${loosen('OLD.layer_id')}
END;

CREATE TRIGGER after_layer_insert AFTER INSERT ON layers BEGIN${count('+', 'NEW.id')}${loosen('NEW.id')}
END;

CREATE TRIGGER before_layer_delete BEFORE DELETE ON layers BEGIN${count('-', 'OLD.id')}
END;

CREATE TRIGGER after_head_insert AFTER INSERT ON heads BEGIN${hold(named)}
END;

CREATE TRIGGER after_head_update AFTER UPDATE OF layers ON heads BEGIN${hold(named)}
END;

CREATE TRIGGER after_history_insert AFTER INSERT ON history BEGIN${hold(pushed)}
END;

CREATE TRIGGER after_squash_insert AFTER INSERT ON squashes BEGIN${hold(named)}
END;

CREATE TRIGGER after_session_delete AFTER DELETE ON sessions BEGIN
  INSERT OR IGNORE INTO loose_layers (id) SELECT pin.value FROM json_each(OLD.pins) AS pin
  WHERE NOT EXISTS (SELECT 1 FROM layer_holders WHERE layer_id = pin.value);
END;

CREATE TRIGGER after_namespace_delete AFTER DELETE ON namespaces BEGIN
  DELETE FROM taken WHERE scope = OLD.id;
END;
`;
