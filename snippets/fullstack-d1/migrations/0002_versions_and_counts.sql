-- --8<-- [start:second]
ALTER TABLE tasks ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN tasks INTEGER NOT NULL DEFAULT 0;

UPDATE users SET tasks = (SELECT count(*) FROM tasks WHERE user_id = users.id);

-- Who had more before keeps it, and adds nothing until there is room again.
CREATE TRIGGER task_added AFTER INSERT ON tasks BEGIN
  SELECT RAISE(ABORT, 'too_many_tasks')
    FROM users WHERE id = NEW.user_id AND tasks >= 500;
  UPDATE users SET tasks = tasks + 1 WHERE id = NEW.user_id;
END;

CREATE TRIGGER task_deleted AFTER DELETE ON tasks BEGIN
  UPDATE users SET tasks = tasks - 1 WHERE id = OLD.user_id;
END;
-- --8<-- [end:second]
