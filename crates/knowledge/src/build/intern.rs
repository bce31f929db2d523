//! Each value once, numbered as it comes.

use hashbrown::HashMap;
use std::borrow::Borrow;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;

/// A value of one interner. Not zero, so that an optional one takes no more room.
pub(crate) type Id = NonZeroU32;

/// The values seen so far.
pub(crate) struct Interner<T: ?Sized> {
    ids: HashMap<Arc<T>, Id>,
    values: Vec<Arc<T>>,
}

impl<T: ?Sized> Default for Interner<T> {
    fn default() -> Self {
        Self { ids: HashMap::new(), values: Vec::new() }
    }
}

impl<T: ?Sized + Hash + Eq> Interner<T> {
    /// The number of `value`; `None` after four thousand million values.
    pub(crate) fn intern<V: Borrow<T> + Into<Arc<T>>>(&mut self, value: V) -> Option<Id> {
        if let Some(id) = self.ids.get(value.borrow()) {
            return Some(*id);
        }
        let id = Id::new(u32::try_from(self.values.len()).ok()?.checked_add(1)?)?;
        let value = value.into();
        self.values.push(Arc::clone(&value));
        self.ids.insert(value, id);
        Some(id)
    }

    /// The values so far, by number.
    pub(crate) fn values(&self) -> &[Arc<T>] {
        &self.values
    }

    /// All values, by number.
    pub(crate) fn into_values(self) -> Vec<Arc<T>> {
        self.values
    }
}

/// What belongs to `id` in a list with one entry for each number.
#[expect(
    clippy::indexing_slicing,
    reason = "the interner gave out `id`, and the list was made from its values"
)]
pub(crate) fn of<T>(list: &[T], id: Id) -> &T {
    &list[id.get() as usize - 1]
}
