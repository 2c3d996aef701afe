//! The stored tiles of a tenant's log, and of the log of logs.
use std::ops::Range;

use keepgate_kernel::Uuid;
use keepgate_merkle::{
    hash::Hash,
    proof::{consistency_proof, nodes_for_consistency},
    tile::{FULL_WIDTH, TileKind, TilePath, TileSet, encode_hashes, tiles_for_nodes},
};
use keepgate_store::StoreError;
use sqlx::PgConnection;

use super::read::signed;
use crate::{
    LogFault, SignedHead,
    integrate::{FullTile, check_growth},
};

/// Whose tiles.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shelf {
    /// A tenant's.
    Tenant(Uuid),
    /// Those of the log of logs.
    Meta,
}

/// The positions, in its level, of what a tile holds.
pub(super) fn positions(path: &TilePath) -> Range<u64> {
    let first = path.index().saturating_mul(FULL_WIDTH.into());
    first..first.saturating_add(path.width().into())
}

impl Shelf {
    /// The hashes of a tile, one after another; `None` if a full one is missing.
    pub(super) async fn tile(self, conn: &mut PgConnection, path: &TilePath) -> Result<Option<Vec<u8>>, StoreError> {
        let TileKind::Hashes(level) = path.kind() else {
            return Ok(None);
        };
        if path.width() == FULL_WIDTH {
            return self.full(conn, level, path.index()).await;
        }
        let hashes = self.hashes(conn, level, positions(path)).await?;
        Ok(Some(hashes.concat()))
    }

    async fn full(self, conn: &mut PgConnection, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let (level, index) = (i16::from(level), signed(index));
        Ok(match self {
            Self::Tenant(tenant) => {
                sqlx::query_scalar!(
                    "select hashes from audit.tile where tenant_id = $1 and level = $2 and idx = $3",
                    tenant,
                    level,
                    index
                )
                .fetch_optional(conn)
                .await?
            }
            Self::Meta => {
                sqlx::query_scalar!(
                    "select hashes from audit.meta_tile where level = $1 and idx = $2",
                    level,
                    index
                )
                .fetch_optional(conn)
                .await?
            }
        })
    }

    /// Hashes of a level by position: leaves, or the roots of the full tiles below.
    pub(super) async fn hashes(
        self,
        conn: &mut PgConnection,
        level: u8,
        range: Range<u64>,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let (from, to) = (signed(range.start), signed(range.end));
        let below = level.checked_sub(1).map(i16::from);
        Ok(match (self, below) {
            (Self::Tenant(tenant), None) => {
                sqlx::query_scalar!(
                    "select leaf_hash from audit.leaf where tenant_id = $1 and idx >= $2 and idx < $3 order by idx",
                    tenant,
                    from,
                    to
                )
                .fetch_all(conn)
                .await?
            }
            (Self::Tenant(tenant), Some(below)) => {
                sqlx::query_scalar!(
                    "select root from audit.tile where tenant_id = $1 and level = $2 and idx >= $3 and idx < $4 order by idx",
                    tenant,
                    below,
                    from,
                    to
                )
                .fetch_all(conn)
                .await?
            }
            (Self::Meta, None) => {
                sqlx::query_scalar!(
                    "select leaf_hash from audit.meta_leaf where idx >= $1 and idx < $2 order by idx",
                    from,
                    to
                )
                .fetch_all(conn)
                .await?
            }
            (Self::Meta, Some(below)) => {
                sqlx::query_scalar!(
                    "select root from audit.meta_tile where level = $1 and idx >= $2 and idx < $3 order by idx",
                    below,
                    from,
                    to
                )
                .fetch_all(conn)
                .await?
            }
        })
    }

    /// Writes tiles that became full.
    pub(super) async fn put_tiles(self, conn: &mut PgConnection, tiles: &[FullTile]) -> Result<(), StoreError> {
        for tile in tiles {
            let (level, index) = (i16::from(tile.level), signed(tile.index));
            let (hashes, root) = (encode_hashes(&tile.hashes), tile.root.as_bytes());
            match self {
                Self::Tenant(tenant) => {
                    sqlx::query!(
                        "insert into audit.tile (tenant_id, level, idx, hashes, root) values ($1, $2, $3, $4, $5)",
                        tenant,
                        level,
                        index,
                        hashes,
                        root
                    )
                    .execute(&mut *conn)
                    .await?
                }
                Self::Meta => {
                    sqlx::query!(
                        "insert into audit.meta_tile (level, idx, hashes, root) values ($1, $2, $3, $4)",
                        level,
                        index,
                        hashes,
                        root
                    )
                    .execute(&mut *conn)
                    .await?
                }
            };
        }
        Ok(())
    }

    /// Whether the stored log shows that `new` grew out of `old`. The proof is built from its tiles and then checked.
    pub(super) async fn growth(
        self,
        conn: &mut PgConnection,
        old: SignedHead,
        new: SignedHead,
    ) -> Result<Result<(), LogFault>, StoreError> {
        if old.size == 0 || old.size >= new.size {
            return Ok(check_growth(old, new, &[]));
        }
        let proof = self.consistency(conn, old.size, new.size).await?;
        Ok(proof
            .ok_or(LogFault::HeadChanged)
            .and_then(|proof| check_growth(old, new, &proof)))
    }

    /// `None` where tiles are missing or cut.
    async fn consistency(self, conn: &mut PgConnection, old: u64, new: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        let Ok(nodes) = nodes_for_consistency(old, new) else {
            return Ok(None);
        };
        let mut tiles = TileSet::default();
        for path in tiles_for_nodes(nodes, new) {
            let Some(content) = self.tile(conn, &path).await? else {
                return Ok(None);
            };
            if tiles.insert(path, &content).is_err() {
                return Ok(None);
            }
        }
        Ok(consistency_proof(old, new, &tiles).ok())
    }
}
