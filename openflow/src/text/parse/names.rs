//! Finding what a name stands for.

/// Names with what they stand for. A name is looked for in one of a few short lists, picked by its
/// length and by two of its letters; case is of no matter to the pick.
pub(super) struct Names<T> {
    lists: Vec<Vec<(&'static str, T)>>,
}

const LISTS: usize = 256;

fn list_of(name: &str) -> usize {
    let folded = |b: Option<&u8>| b.map_or(0, |b| usize::from(b.to_ascii_lowercase()));
    let bytes = name.as_bytes();
    let middle = bytes.get(bytes.len() / 2);
    (bytes.len() * 37 + folded(bytes.first()) * 7 + folded(middle) * 11 + folded(bytes.last())) % LISTS
}

impl<T: Copy> Names<T> {
    pub(super) fn new(names: impl IntoIterator<Item = (&'static str, T)>) -> Names<T> {
        let mut lists: Vec<Vec<_>> = std::iter::repeat_with(Vec::new).take(LISTS).collect();
        for (name, it) in names {
            let list = &mut lists[list_of(name)];
            // The first of a name counts.
            if !list.iter().any(|(known, _)| *known == name) {
                list.push((name, it));
            }
        }
        Names { lists }
    }

    /// What this very name stands for.
    pub(super) fn get(&self, name: &str) -> Option<T> {
        self.lists[list_of(name)].iter().find(|(known, _)| *known == name).map(|(_, it)| *it)
    }

    /// What this name stands for, in whatever case it is written.
    pub(super) fn get_in_any_case(&self, name: &str) -> Option<T> {
        let list = &self.lists[list_of(name)];
        list.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, it)| *it)
    }

    /// All names, for suggestions.
    pub(super) fn all(&self) -> impl Iterator<Item = &'static str> {
        self.lists.iter().flatten().map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        let names = Names::new([("tcp", 1), ("TCP", 2), ("tcp", 3), ("", 4)]);
        assert_eq!(
            [names.get("tcp"), names.get("TCP"), names.get(""), names.get("Tcp")],
            [Some(1), Some(2), Some(4), None]
        );
        assert_eq!(names.get_in_any_case("Tcp"), Some(1));
        assert_eq!(names.all().count(), 3);
    }
}
