//! Objects are maps that keep their order, however many keys they have.

use indexmap::IndexMap;
use proptest::prelude::*;

use super::*;

proptest! {
    /// Small keys, so that some come again; enough of them that some objects have more than a few.
    #[test]
    fn it_does_what_an_ordered_map_does(steps in prop::collection::vec((any::<bool>(), 0_u8..40), 0..120)) {
        let (mut object, mut model) = (Object::new(), IndexMap::new());
        for (number, (is_insert, key)) in (0_u64..).zip(steps) {
            let key = key.to_string();
            if is_insert || number % 3 > 0 {
                prop_assert_eq!(object.insert(key.clone(), number), model.insert(key, Value::from(number)));
            } else {
                prop_assert_eq!(object.remove(&key), model.shift_remove(&key));
            }
        }
        prop_assert_eq!(object.len(), model.len());
        prop_assert!(object.keys().eq(model.keys()));
        for key in (0_u8..40).map(|key| key.to_string()) {
            prop_assert_eq!(object.get(&key), model.get(&key));
            prop_assert_eq!(object.contains_key(&key), model.contains_key(&key));
        }
        let reversed: Object = object.clone().into_iter().rev().collect();
        prop_assert_eq!(&reversed, &object, "equality does not look at the order");
        object.insert("new", 1_u64);
        prop_assert_ne!(reversed, object);
    }
    #[test]
    fn it_is_made_of_entries_as_by_inserting_them(keys in prop::collection::vec(0_u8..60, 0..40)) {
        let entries: Vec<_> = keys.iter().map(ToString::to_string).zip((0_u64..).map(Value::from)).collect();
        let inserted: Object = entries.clone().into_iter().collect();
        let (object, has_doubled_keys) = Object::of_entries(entries);
        prop_assert_eq!(has_doubled_keys, inserted.len() < keys.len());
        prop_assert!(object.iter().eq(inserted.iter()));
        for key in (0_u8..60).map(|key| key.to_string()) {
            prop_assert_eq!(object.get(&key), inserted.get(&key));
        }
    }
}
