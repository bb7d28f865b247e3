-- The shop's table and its first 1000 orders, with the ids "1" to "1000". Runs once, on the primary.
CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4;
USE shop;

-- Ids are plain ASCII and compared byte by byte: "a" and "A" are two orders.
CREATE TABLE orders (
  id       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  item     VARCHAR(200) NOT NULL,
  quantity INT UNSIGNED NOT NULL,
  placed   TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE = InnoDB;

-- One transaction: a replica that has the last order has them all.
INSERT INTO orders (id, item, quantity)
  SELECT seq, CONCAT('item ', seq), 1 + seq % 9 FROM seq_1_to_1000;
