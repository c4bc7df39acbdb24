"""Sentences that describe the actions of the sketch world, in words that the sketch backbone's tokenizer knows.

They say what a drawing of the action shows: the person's pose and movement, and the object beside it.
"""

from __future__ import annotations

ACTION_DESCRIPTIONS: dict[str, tuple[str, ...]] = {
    "walking": ("a person moving on the street with swinging hands", "someone walking in front of a house"),
    "running": ("a person moving on the street, swinging the hands", "someone running, not walking"),
    "jumping": ("a person rising from the floor and falling down", "someone jumping without a rope"),
    "doing jumping jacks": ("a person jumping with the hands rising and falling",),
    "sitting on a chair": ("a person is still, sitting with a chair", "someone on a chair"),
    "lying down": ("a person is lying still on the floor",),
    "waving a hand": ("a person is still and is moving one hand",),
    "clapping hands": ("a person is hitting one hand with the other hand",),
    "doing a handstand": ("a person with the hands on the floor and the toes in the sky",),
    "doing push ups": ("a person lying on the hands, pushing down on the floor",),
    "doing sit ups": ("a person lying and sitting on the floor",),
    "doing squats": ("a person is sitting down and rising without a chair",),
    "touching the toes": ("a person with the hands down at the toes",),
    "doing a cartwheel": ("a person turning round with the hands on the floor",),
    "crawling": ("a person moving on the hands, kneeling on the floor",),
    "doing yoga": ("a person is still, the hands in the sky",),
    "dancing": ("a person moving and turning with waving hands",),
    "kneeling": ("a person is still, kneeling down on the floor",),
    "flying a kite": ("a person is holding a kite, flying in the sky, on a rope",),
    "playing the guitar": ("a person is holding a guitar in the hands",),
    "holding an umbrella": ("a person with an umbrella in one hand",),
    "fishing": ("a person is sitting near water, pulling a fish from the water",),
    "reading a book": ("a person is still, holding a book in the hands",),
    "drinking from a cup": ("a person is holding a cup in one hand",),
    "talking on a phone": ("a person is holding a phone in one hand",),
    "playing the drums": ("a person is sitting and hitting drums with a stick",),
    "playing the piano": ("a person is sitting on a chair with the hands on a piano",),
    "taking a photo": ("a person is still, holding a small object in front",),
    "juggling balls": ("a person with small balls flying round the hands",),
    "driving a car": ("a person is sitting inside a car", "a vehicle with a person inside"),
    "riding a bicycle": ("a person is sitting on a bicycle", "a person on a vehicle"),
    "riding a motorcycle": ("a person is sitting on a motorcycle", "a person on a vehicle"),
    "riding a horse": ("a person is sitting on a horse", "a person on a large animal"),
    "rowing a boat": ("a person is sitting in a boat on the water", "a person in a vehicle on water"),
    "riding a skateboard": ("a person on a skateboard, moving on the street",),
    "skiing": ("a person moving down in the snow with a stick in the hands",),
    "surfing": ("a person on the waves of the water",),
    "swinging on a swing": ("a person is sitting on a swing, flying in the sky",),
    "kicking a ball": ("a person hitting a ball with the toes", "a person with a ball on the floor"),
    "dribbling a ball": ("a person with a ball bouncing on the floor from the hand",),
    "shooting a basketball": ("a person with a ball flying in a hoop",),
    "swinging a baseball bat": ("a person is holding a bat and hitting a ball",),
    "playing golf": ("a person hitting a small ball on the grass with a stick",),
    "lifting a barbell": ("a person is lifting an object with the hands",),
    "jumping rope": ("a person jumping with a rope turning round",),
    "heading a ball": ("a person is hitting a ball in the sky without the hands",),
    "doing pull ups": ("a person is pulling with the hands, the toes in the sky",),
    "boxing": ("a person hitting with the hands in front",),
    "fencing": ("a person is holding a short stick in front",),
    "shooting a bow and arrow": ("a person is holding a bow and pulling an arrow",),
    "spinning a hula hoop": ("a person with a hoop turning round",),
    "swimming": ("a person is lying in the water and moving the hands",),
    "hitting a tennis ball": ("a person swinging at a small ball in the sky",),
    "bowling": ("a person with a ball moving on the floor from the hand",),
    "doing a somersault": ("a person turning round in the sky",),
    "climbing a ladder": ("a person rising on a ladder", "a person with the hands on a ladder"),
    "sweeping the floor": ("a person pushing a stick on the floor in a room",),
    "digging with a shovel": ("a person is pushing a shovel down in the sand",),
    "chopping wood with an axe": ("a person is hitting wood, an axe in the hands",),
    "pushing a shopping cart": ("a person walking with the hands on a cart",),
    "walking a dog": ("a person walking with a small animal on a rope", "a person with a dog"),
    "watering plants": ("a person with water falling on a plant", "a person near a flower"),
    "hammering a nail": ("a person is hitting a nail with one hand",),
    "painting a wall": ("a person near a wall, moving one hand",),
    "pulling a sled": ("a person walking with a sled on a rope in the snow",),
}

_CAPTIONS = (
    "a person {}.",
    "a drawing of a stick figure {} on the grass.",
    "a picture of somebody {} in a room.",
    "a short clip of someone {} on the street.",
    "a sketch of a figure {} at night.",
)


def captions_of(name: str) -> tuple[str, ...]:
    """Captions of the action ``name``, worded as those that the sketch backbone was trained on."""
    return tuple(caption.format(name) for caption in _CAPTIONS)
